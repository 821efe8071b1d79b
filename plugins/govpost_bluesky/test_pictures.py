"""A picture goes up as it was approved, or without what the camera noted, or smaller; always the same way."""

import io

import pytest

Image = pytest.importorskip("PIL.Image", reason="Pillow is in govpost's extra 'images'")

from govpost import Media, Rejected  # noqa: E402
from govpost_bluesky.pictures import MOST_BYTES, flaw, prepared  # noqa: E402

GPS = 0x8825


def noise(width, height, mode="RGB"):
    return Image.effect_noise((width, height), 90).convert(mode)


def written(folder, image, kind, **how):
    path = folder / f"picture.{kind.lower()}"
    image.save(path, kind, **how)
    return path


def opened(picture):
    return Image.open(io.BytesIO(picture.data))


def located(orientation=1):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "PhoneMaker"
    exif.get_ifd(GPS)[2] = (41.0, 52.0, 30.0)
    return exif


@pytest.mark.parametrize(
    ("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_a_clean_small_picture_goes_up_byte_for_byte(tmp_path, kind, mime):
    path = written(tmp_path, noise(80, 60), kind)
    picture = prepared(path)
    assert picture.data == path.read_bytes()
    assert (picture.mime, picture.width, picture.height) == (mime, 80, 60)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_place_and_maker_never_go_up(tmp_path, kind):
    picture = prepared(written(tmp_path, noise(80, 60), kind, exif=located()))
    assert not opened(picture).getexif()
    assert b"PhoneMaker" not in picture.data


def test_comments_and_other_notes_never_go_up(tmp_path):
    jpeg = written(tmp_path, noise(80, 60), "JPEG", comment=b"taken at the mayor's home")
    assert b"mayor" not in prepared(jpeg).data
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Author", "the mayor")
    assert b"mayor" not in prepared(written(tmp_path, noise(80, 60), "PNG", pnginfo=notes)).data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_hangs_behind_the_picture_never_goes_up(tmp_path, kind):
    path = written(tmp_path, noise(80, 60), kind)
    path.write_bytes(path.read_bytes() + b"a film that a phone put here, with its place")
    assert b"a film" not in prepared(path).data


def test_foreign_segments_never_go_up(tmp_path):
    path = written(tmp_path, noise(80, 60), "JPEG")
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xed\x00\x0dmayor names" + data[2:])
    assert b"mayor" not in prepared(path).data


def test_a_jpeg_loses_its_notes_and_nothing_that_anyone_could_see(tmp_path):
    path = written(tmp_path, noise(80, 60), "JPEG", exif=located(), quality=85)
    before, after = Image.open(path), opened(prepared(path))
    assert after.quantization == before.quantization
    apart = [abs(one - two) for one, two in zip(before.tobytes(), after.tobytes(), strict=True)]
    assert sum(apart) / len(apart) < 1


def test_colours_keep_their_profile(tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = written(tmp_path, noise(80, 60), "JPEG", exif=located(), icc_profile=profile)
    assert opened(prepared(path)).info["icc_profile"] == profile


def test_a_picture_taken_sideways_is_turned_upright(tmp_path):
    image = noise(80, 60)
    image.paste("red", (0, 0, 80, 30))
    picture = prepared(written(tmp_path, image, "JPEG", exif=located(orientation=6), quality=95))
    assert (picture.width, picture.height) == (60, 80)
    red, green, _ = opened(picture).getpixel((50, 40))
    assert red > 200 > 100 > green


def test_the_same_file_gives_the_same_bytes(tmp_path):
    path = written(tmp_path, noise(900, 700), "PNG")
    assert prepared(path, 200_000) == prepared(path, 200_000)


def test_a_picture_that_is_too_large_becomes_a_smaller_jpeg(tmp_path):
    path = written(tmp_path, noise(1600, 1200), "PNG")
    assert path.stat().st_size > MOST_BYTES
    picture = prepared(path)
    assert len(picture.data) <= MOST_BYTES
    assert picture.mime == "image/jpeg"
    assert picture.width / picture.height == pytest.approx(4 / 3, rel=0.01)
    assert opened(picture).size == (picture.width, picture.height)


def test_no_side_is_longer_than_4000(tmp_path):
    picture = prepared(written(tmp_path, Image.new("RGB", (6000, 30), "white"), "PNG"))
    assert (picture.mime, picture.width, picture.height) == ("image/png", 4000, 20)
    palette = Image.new("P", (6000, 30))
    assert prepared(written(tmp_path, palette, "PNG")).width == 4000


def test_a_drawing_that_can_be_seen_through_stays_one(tmp_path):
    image = noise(300, 300, "RGBA")
    image.putalpha(128)
    picture = prepared(written(tmp_path, image, "PNG", exif=located()))
    assert picture.mime == "image/png"
    assert opened(picture).getpixel((5, 5))[3] == 128


def test_one_that_is_too_large_for_that_is_put_on_white(tmp_path):
    image = noise(900, 700, "RGBA")
    image.putalpha(0)
    picture = prepared(written(tmp_path, image, "PNG"), 100_000)
    assert picture.mime == "image/jpeg"
    assert min(opened(picture).getpixel((450, 350))) > 250


@pytest.mark.parametrize(
    ("mode", "kind"), [("CMYK", "JPEG"), ("I;16", "PNG"), ("LA", "PNG"), ("L", "JPEG"), ("1", "PNG")]
)
def test_pictures_of_every_kind_of_colour_go_up(tmp_path, mode, kind):
    image = Image.new(mode, (1200, 40)) if mode == "I;16" else noise(1200, 40).convert(mode)
    path = written(tmp_path, image, kind)
    assert len(prepared(path, 9_000).data) <= 9_000


def test_the_first_picture_of_a_phone_s_several_goes_up(tmp_path):
    path = tmp_path / "picture.jpg"
    noise(80, 60).save(path, "MPO", save_all=True, append_images=[noise(20, 20)])
    picture = prepared(path)
    assert (picture.width, picture.height, opened(picture).format) == (80, 60, "JPEG")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_picture_that_moves_is_refused_before_it_stands_still_in_public(tmp_path, kind):
    path = written(tmp_path, noise(20, 20), kind, save_all=True, append_images=[noise(20, 20)])
    said = flaw(Media(path=path, mime=f"image/{kind.lower()}", alt="Fireworks"))
    assert said is not None
    assert said.startswith("the picture “Fireworks” moves")
    assert "MP4" in said


def test_a_picture_of_a_phone_or_a_still_one_has_no_flaw(tmp_path):
    phone, still = tmp_path / "phone.jpg", written(tmp_path, noise(80, 60), "WEBP")
    noise(80, 60).save(phone, "MPO", save_all=True, append_images=[noise(20, 20)])
    assert flaw(Media(path=phone, mime="image/jpeg")) is flaw(Media(path=still, mime="image/webp")) is None


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    path = tmp_path / "bridge.jpg"
    path.write_bytes(b"not a picture")
    said = flaw(Media(path=path, mime="image/jpeg", alt="The bridge"))
    assert said == "the picture “The bridge” cannot be read as a picture; save it anew as JPEG or PNG"


def test_a_picture_that_breaks_off_is_refused_by_name(tmp_path):
    path = tmp_path / "bridge.jpg"
    path.write_bytes(written(tmp_path, noise(80, 60), "PNG").read_bytes()[:900])
    with pytest.raises(Rejected, match=r"the bridge cannot be read"):
        prepared(path, name="the bridge")


def test_a_limit_that_no_picture_meets_is_said(tmp_path):
    with pytest.raises(Rejected, match="cannot be made smaller"):
        prepared(written(tmp_path, noise(700, 700), "JPEG"), 100)
