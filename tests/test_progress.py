from cairn.progress import progress


def test_the_bar_says_what_how_far_and_why_on_standard_error(capsys):
    with progress("fitting", 4, done=1) as advance:
        advance(4, "loss 0.5")
    out, err = capsys.readouterr()
    assert out == ""
    assert "fitting" in err
    assert "4/4" in err
    assert "loss 0.5" in err


def test_a_quiet_bar_is_silent(capsys):
    with progress("fitting", 4, quiet=True) as advance:
        advance(2)
        advance(3, "loss 0.5")
    assert capsys.readouterr() == ("", "")
