"""Texts that are programs where a page takes them for markup. In: nothing. Out: a table, and what notices one at work.

`pwn` is a function every page of a watched browser has: it sets a mark no page of ours sets, and raises a dialog.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Dialog, Page, Request

from tests.browser.screen import Screen

# Where a careless page would put each text, and the texts. Each is another number, so that it is known again.
PLACES: dict[str, tuple[str, ...]] = {
    "<p>{}</p>": (
        "<script>pwn(1)</script>",
        "<ScRiPt>pwn(2)</sCrIpT>",
        "<script/x>pwn(3)</script>",
        "<img src=x onerror=pwn(4)>",
        '<img src=x onerror="pwn(5)">',
        "<IMG SRC=x ONERROR='pwn(6)'>",
        "<img/src=x/onerror=pwn(7)>",
        "<img src=x onerror=&#112;wn(8)>",
        "<svg onload=pwn(9)>",
        "<svg/onload=pwn(10)>",
        "<svg><script>pwn(11)</script></svg>",
        "<svg><animate onbegin=pwn(12) attributeName=x dur=1s>",
        "<svg><set onbegin=pwn(13) attributeName=x to=1>",
        "<body onload=pwn(14)>",
        '<iframe src="javascript:parent.pwn(15)"></iframe>',
        '<iframe srcdoc="<script>parent.pwn(16)</script>"></iframe>',
        "<iframe onload=pwn(17)></iframe>",
        '<object data="javascript:pwn(18)"></object>',
        '<embed src="javascript:pwn(19)">',
        "<video><source onerror=pwn(20)></video>",
        "<audio src=x onerror=pwn(21)>",
        "<video src=x onerror=pwn(22)></video>",
        "<details open ontoggle=pwn(23)>x</details>",
        "<input autofocus onfocus=pwn(24)>",
        "<select autofocus onfocus=pwn(25)></select>",
        "<textarea autofocus onfocus=pwn(26)></textarea>",
        "<button autofocus onfocus=pwn(27)>x</button>",
        "<marquee onstart=pwn(28)>x</marquee>",
        '<a href="javascript:pwn(29)">x</a>',
        '<a href="jav&#x09;ascript:pwn(30)">x</a>',
        '<a href=" &#14; javascript:pwn(31)">x</a>',
        '<form action="javascript:pwn(32)"><button>x</button></form>',
        '<button formaction="javascript:pwn(33)">x</button>',
        '<math><a xlink:href="javascript:pwn(34)">x</a></math>',
        "<style>@import 'https://pwn.invalid/35';</style>",
        "<link rel=stylesheet href=https://pwn.invalid/36>",
        "<base href=https://pwn.invalid/37/>",
        '<meta http-equiv=refresh content="9;url=https://pwn.invalid/38">',
        "<img src=https://pwn.invalid/39>",
        '<div style="background:url(https://pwn.invalid/40)">x</div>',
        "<script src=https://pwn.invalid/41></script>",
        "<script src=data:text/javascript,pwn(42)></script>",
        "<x onclick=pwn(43)>x</x>",
        "<div contenteditable autofocus onfocus=pwn(44)>x</div>",
        "<template><img src=x onerror=pwn(45)></template>",
        '<noscript><p title="</noscript><img src=x onerror=pwn(46)>">',
        "<!--><img src=x onerror=pwn(47)>-->",
        "<![CDATA[><img src=x onerror=pwn(48)>]]>",
        "<<script>pwn(49)//<</script>",
        "<img src=x onerror=pwn(50)//",
        "<svg><style><img src=x onerror=pwn(51)></style></svg>",
        '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=pwn(52)&gt;">',
        '<p id="</title><img src=x onerror=pwn(53)>">',
    ),
    '<input value="{}">': (
        '"><script>pwn(54)</script>',
        '" autofocus onfocus="pwn(55)',
        '" onmouseover="pwn(56)" x="',
        '"><img src=x onerror=pwn(57)>',
    ),
    "<input value='{}'>": ("'><img src=x onerror=pwn(58)>", "' autofocus onfocus='pwn(59)"),
    "<input value={}>": ("x autofocus onfocus=pwn(60)",),
    "<title>{}</title>": ("</title><script>pwn(61)</script>",),
    "<textarea>{}</textarea>": ("</textarea><img src=x onerror=pwn(62)>",),
    "<style>{}</style>": ("</style><img src=x onerror=pwn(63)>",),
    "<script>{}</script>": ("</script><img src=x onerror=pwn(64)>",),
    "<!-- {} -->": ("--><img src=x onerror=pwn(65)>",),
    "<script>let name = '{}';</script>": ("';pwn(66);//",),
    "<script>let name = `{}`;</script>": ("${pwn(67)}",),
    '<a href="{}">x</a>': ("javascript:pwn(68)",),
    '<script>let visit = {"name": "{}"};</script>': ('"}</script><svg onload=pwn(69)>',),
}
PAYLOADS = tuple(text for texts in PLACES.values() for text in texts)

_PWN = "window.pwn = (number) => { window.pwned = number; alert(number); };"
# Elements no page of ours has, handlers in attributes, scripts in the page, and addresses that are not ours.
_SCAN = """() => {
    const ours = new Set(`html head meta title link script noscript body header main footer aside nav section article
        h1 h2 h3 p div span a ul ol li dl dt dd strong small code pre blockquote mark time form fieldset legend label
        input output textarea select datalist optgroup option button progress details summary audio img svg
        use`.split(/\\s+/));
    const active = /^(href|src|action|formaction|xlink:href|srcdoc|data|style|id|name|class|http-equiv|content)$/;
    const found = [];
    if ("pwned" in window) found.push(`ran: ${window.pwned}`);
    for (const one of document.querySelectorAll("*")) {
        if (!ours.has(one.localName)) found.push(`element: ${one.localName}`);
        if (one.localName === "script" && !one.src) found.push("script in the page");
        for (const { name, value } of one.attributes) {
            if (name.startsWith("on")) found.push(`handler: ${name}`);
            if (active.test(name) && /pwn/.test(value)) found.push(`${name}: ${value}`);
        }
    }
    return found;
}"""


def wrap(text: str) -> str:
    """A page that puts this text unescaped where it hurts."""
    place = next(place for place, texts in PLACES.items() if text in texts)
    return f"<!doctype html><html><head></head><body>{place.replace('{}', text)}</body></html>"


@dataclass
class Alarm:
    """Notices a payload at work in the pages of one browser profile; `origins` are where its pages may come from."""

    origins: frozenset[str]
    dialogs: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def arm(self, context: BrowserContext) -> None:
        """Before the first page."""
        context.add_init_script(_PWN)
        context.on("request", self._note_request)

    def watch(self, page: Page) -> None:
        """One page of it."""
        page.on("dialog", self._note_dialog)

    def look(self, screen: Screen) -> list[str]:
        """Everything suspicious up to now: of the page as it stands, and of all pages so far."""
        policy = [line for line in screen.complaints if "policy" in line.lower()]
        return [*screen.place.evaluate(_SCAN), *policy, *self.dialogs, *self.strangers]

    def _note_dialog(self, dialog: Dialog) -> None:
        # A page that holds unsaved words may ask before it is left.
        if dialog.type != "beforeunload":
            self.dialogs.append(f"dialog: {dialog.message}")
        dialog.accept()

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.strangers.append(f"request: {request.url}")
