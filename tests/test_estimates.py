from proband.estimates import Estimate


def test_an_estimate_says_what_it_is_about_and_how_sure_it_is():
    found = Estimate(
        value=0.5, interval=(0.25, 0.75), estimand="share of <b>yes</b>", target="model", n_units=9, warnings=("few",)
    )
    lines = repr(found).splitlines()
    assert lines[0] == "0.500 [0.250, 0.750]"
    assert "  of: share of <b>yes</b>" in lines
    assert "  warning: few" in lines
    assert "share of &lt;b&gt;yes&lt;/b&gt;" in found._repr_html_()
