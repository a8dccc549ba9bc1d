"""Words around drug names: salts, common brands, other names. In: nothing. Out: tables. Never a full drug list."""

from __future__ import annotations

from connector.clinical.word_lists import word_list, word_set

SALTS = word_set(
    """
    hydrochloride hcl hydrobromide hbr succinate tartrate maleate besylate besilate mesylate fumarate citrate
    sulfate sulphate phosphate acetate sodium potassium calcium magnesium propionate dipropionate furoate valerate
    hyclate monohydrate dihydrate trihydrate hemihydrate anhydrous bromide chloride nitrate pamoate gluconate
    lactate tosylate cypionate enanthate decanoate medoxomil axetil proxetil disoproxil alafenamide cilexetil
    etexilate erbumine arginine bitartrate xinafoate tromethamine malate orotate bisulfate dimesylate dimeglumine
    edisylate
    """
)
"""Trailing words that name the salt or ester, not the drug."""

SAID_SALTS = word_set("succinate tartrate hyclate monohydrate pamoate furoate valerate cypionate enanthate decanoate")
"""Salts people name because they tell two products apart."""

CATIONS = word_set(
    """
    sodium potassium calcium magnesium ferrous ferric iron lithium zinc aluminum ammonium silver bismuth isosorbide
    cupric selenium barium
    """
)
"""Words after which the salt is the drug: potassium chloride, lithium carbonate."""

ALSO_SAID: dict[str, tuple[str, ...]] = {
    "insulin isophane": ("NPH insulin", "NPH"),
    "isophane insulin": ("NPH insulin", "NPH"),
    "hydrochlorothiazide": ("HCTZ",),
    "acetylsalicylic acid": ("aspirin",),
    "cyanocobalamin": ("vitamin B12",),
    "nitroglycerin": ("nitro",),
    "cholecalciferol": ("vitamin D3", "vitamin D"),
    "ergocalciferol": ("vitamin D2", "vitamin D"),
    "ascorbic acid": ("vitamin C",),
}
"""Other names in everyday clinical speech."""

BRANDS = word_set(
    """
    abilify adderall advair advil aleve allegra ambien amoxil aricept ativan augmentin bactrim benadryl botox
    bystolic celebrex cialis cipro claritin coreg coumadin cozaar crestor cymbalta depakote diflucan dilantin diovan
    effexor eliquis entresto epipen farxiga flagyl flexeril flomax flonase flovent glucophage humalog humira humulin
    imitrex januvia jardiance keflex keppra klonopin lamictal lantus lasix levaquin levemir lexapro lipitor
    lopressor lovenox lunesta lyrica mirena mobic motrin mounjaro namenda neurontin nexium norco norvasc novolog
    ozempic paxil paxlovid pepcid percocet plavix pravachol prilosec prinivil protonix proventil provigil prozac
    remicade remeron restoril risperdal ritalin robitussin rybelsus seroquel singulair soma spiriva suboxone
    symbicort synthroid tamiflu toprol tradjenta tresiba trulicity tylenol ultram valium valtrex vasotec ventolin
    viagra vicodin victoza voltaren vyvanse wegovy wellbutrin xanax xarelto xyzal zantac zestril zetia zithromax
    zocor zofran zoloft zyprexa zyrtec
    """
)
"""Common United States brands, so that a brand without brackets keeps its capital."""

STEMS: tuple[str, ...] = word_list(
    """
    pril prilat sartan olol statin dipine thiazide semide azole oxacin mycin micin cillin cycline prazole tidine
    gliptin gliflozin glitazone glutide parin xaban gatran grel caine azepam azolam zolam barbital triptan setron
    codeine tadine rizine oxetine opram aline afaxine piprazole apine idone peridol formin profen oxicam coxib sone
    solone sonide terol tropium lukast dronate mab tinib ciclovir fenac codone morphone phylline zosin afil pentin
    gabalin racetam zide terone estradiol gestrel thyroxine insulin
    """
)
"""Endings of International Nonproprietary Names (WHO stem book) and close to them."""
