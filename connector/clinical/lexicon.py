"""Everyday clinical words. In: a piece of speech. Out: whether it is about symptoms, body or care. Never interprets."""

from __future__ import annotations

import re

from connector.clinical.drug_words import BRANDS, STEMS
from connector.clinical.word_lists import word_set

SYMPTOMS = word_set(
    """
    pain painful ache aching hurt hurting sore soreness tender tenderness cramp cramping burning stabbing throbbing
    stiffness stiff numbness numb tingling tingle tingled weak weakness fatigue tired tiredness exhausted dizzy
    dizziness lightheaded lightheadedness faint fainted fainting vertigo nausea nauseous vomit vomiting diarrhea
    diarrhoea constipation constipated bloating bloated heartburn reflux indigestion bleeding blood bruise bruising
    rash itch itchy itching hives swelling swollen swell puffy edema fever feverish chill chills sweat sweating
    sweaty cough coughing phlegm sputum mucus wheeze wheezing congestion congested runny stuffy sneeze sneezing
    snore snoring breathless winded shortness palpitation palpitations racing fluttering headache headaches migraine
    insomnia anxious anxiety depressed depression stress stressed mood suicidal panic confusion confused forgetful
    memory tremor seizure limp limping spasm lump bump lesion discharge urinate urination urine incontinence stool
    stools bowel bowels thirst thirsty appetite weight infection infected wound injury injured fall fell fracture
    fractured broke broken sprain strain twisted popped clicking grinding symptom symptoms allergy allergies
    allergic reaction unwell sick ill illness worse worsening tightness tight pressure discomfort cold flu jaundice
    blurry blurred vision hearing ringing hoarse swallowing swallow choking stamina energy sleepy cramps pains aches
    dyspnea
    """
)
"""Words of complaint."""

BODY = word_set(
    """
    head neck back chest heart lung lungs abdomen belly stomach tummy arm arms elbow wrist hand hands finger fingers
    thumb shoulder shoulders hip hips leg legs knee knees ankle ankles foot feet toe toes calf thigh skin eye eyes
    ear ears nose sinus sinuses throat mouth tongue lip lips teeth tooth gum gums jaw face scalp spine rib ribs
    muscle muscles joint joints bone bones tendon ligament nerve kidney kidneys liver bladder prostate uterus ovary
    breast breasts thyroid gland nodes groin buttock artery vein valve brain eyelid nostril tonsils pelvis hamstring
    """
)
"""Parts of the body."""

CONDITIONS = word_set(
    """
    diabetes diabetic prediabetes hypertension cholesterol asthma copd emphysema cancer tumor leukemia lymphoma
    stroke heart_attack angina afib arrhythmia pneumonia bronchitis influenza covid arthritis osteoarthritis gout
    lupus osteoporosis fibromyalgia sciatica hernia ulcer gerd ibs colitis crohn's celiac hepatitis cirrhosis
    gallstones anemia thyroid hypothyroidism hyperthyroidism eczema psoriasis acne cellulitis shingles glaucoma
    cataract migraine epilepsy dementia alzheimer's parkinson's adhd bipolar ptsd schizophrenia hiv sti uti
    endometriosis pcos menopause pregnant pregnancy miscarriage transplant obesity apnea concussion tinnitus sepsis
    abscess cyst polyp embolism dvt syndrome disease disorder condition viral bacterial virus gastroenteritis sprain
    strain tear tendonitis
    """
)
"""Conditions under everyday names."""

CARE = word_set(
    """
    medication medications medicine medicines med meds pill pills tablet tablets capsule dose doses dosage inhaler
    spray cream ointment drops injection shot shots insulin vaccine vaccinated antibiotic antibiotics steroid
    steroids prescription prescribed refill refills supplement supplements vitamin vitamins over-the-counter surgery
    operation procedure biopsy scan x-ray x-rays xray ultrasound mri ct ekg ecg echo echocardiogram colonoscopy
    endoscopy mammogram labs lab bloodwork blood_test test tests screening a1c hemoglobin glucose sugar sugars
    potassium creatinine tsh panel urinalysis culture therapy therapist counseling rehab physical_therapy referral
    specialist cardiologist neurologist dermatologist surgeon hospital hospitalized emergency urgent_care clinic icu
    diet sodium exercise exercising smoke smoking smoker cigarette cigarettes vape vaping tobacco alcohol drink
    drinking beer wine drugs marijuana cannabis sleep sleeping insurance brace crutches splint cast ice iced heat
    oxygen cpap dialysis treatment treated diagnosed diagnosis follow-up appointment checkup physical periods period
    menstrual contraception
    """
)
"""Words of care, tests, drugs and habits."""

HISTORY = word_set(
    "mother father mom dad brother sister grandmother grandfather aunt uncle family parents grandma grandpa"
)
"""Relatives, for family history."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MEDICAL_ENDING = re.compile(
    r"(?:itis|emia|aemia|pathy|algia|osis|oma|ectomy|uria|rrhea|rrhoea|plasty|scopy|gram|graphy|trophy|penia|cardia|"
    r"pnea|plegia|stasis|megaly|sclerosis)\Z"
)
_NOT_DRUGS = word_set("april cholesterol saline trampoline program telegram diagram instagram")
_SHORTEST_STEMMED = 6
_PHRASES = re.compile(
    r"\b(?:heart (?:attack|rate|failure)|blood (?:pressure|test|sugar|work)|urgent care|physical therapy|high blood|"
    r"short of breath|out of breath|throwing up|threw up|passed? out|black(?:ed)? out|over the counter|family history|"
    r"side effects?|goes? away|went away|gone away|comes? and goes?|flare|flaring|acting up|at rest|at home|"
    r"usually (?:lower|higher)|sex(?:ually)?|live alone|lives? with|retired|work as|allergic|no complaints)\b",
    re.IGNORECASE,
)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, hyphens and apostrophes kept inside them."""
    return [word.replace("’", "'") for word in _WORD.findall(text.casefold())]


def looks_like_drug(word: str) -> bool:
    """Whether a word is a common brand or ends as generic names do; says nothing about whether the drug exists."""
    word = word.casefold()
    if word in _NOT_DRUGS:
        return False
    return word in BRANDS or (len(word) >= _SHORTEST_STEMMED and word.endswith(STEMS)) or word in _COMMON_DRUGS


_COMMON_DRUGS = word_set(
    """
    aspirin tylenol paracetamol acetaminophen ibuprofen naproxen nitroglycerin digoxin lithium prednisone tacrolimus
    cyclosporine methotrexate tramadol gabapentin heparin warfarin melatonin iron calcium magnesium folate
    clopidogrel plavix hctz spironolactone doxycycline epinephrine lorazepam sertraline bupropion trazodone
    mirtazapine losartan benadryl humira statin statins nsaid nsaids penicillin sulfa codeine morphine fentanyl
    lisinopril
    """
)


def names_symptom(text: str) -> bool:
    """Whether the text names a complaint or a condition."""
    return any(_is(word, SYMPTOMS) or _is(word, CONDITIONS) or _MEDICAL_ENDING.search(word) for word in words_of(text))


def names_body(text: str) -> bool:
    """Whether the text names a part of the body."""
    return any(_is(word, BODY) for word in words_of(text))


def names_drug(text: str) -> bool:
    """Whether the text holds a word that looks like a drug's name."""
    return any(looks_like_drug(word) for word in words_of(text))


def is_clinical(text: str) -> bool:
    """Whether the text speaks of symptoms, body, conditions, drugs, tests or habits at all."""
    if names_symptom(text) or names_body(text) or names_drug(text) or _PHRASES.search(text):
        return True
    return any(_is(word, CARE) for word in words_of(text))


def _is(word: str, known: frozenset[str]) -> bool:
    if word in known:
        return True
    return (word.endswith("s") and word[:-1] in known) or (word.endswith("es") and word[:-2] in known)
