"""Section narrative in the form servers keep."""

from __future__ import annotations

from xml.etree import ElementTree

from connector.writeback.narrative import write_narrative


def test_each_line_is_a_paragraph() -> None:
    narrative = write_narrative(["one", "two\nthree", " "])
    assert narrative == {
        "status": "additional",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>one</p><p>two</p><p>three</p></div>',
    }


def test_no_tag_comes_out_of_the_text() -> None:
    div = write_narrative(["</p><script>x</script> \"a\" & 'b' é 漢"])["div"]
    assert "&lt;/p&gt;&lt;script&gt;x&lt;/script&gt; &quot;a&quot; &amp; 'b' é 漢" in div
    (paragraph,) = ElementTree.fromstring(div)
    assert paragraph.text == "</p><script>x</script> \"a\" & 'b' é 漢"
