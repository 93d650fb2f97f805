import numpy as np
import pytest
from PIL import Image

from mattekit.checks import InputError, MediaError
from mattekit.media import find_trimaps, read_mask, read_trimap

VALUES = np.array([[0, 128, 255], [255, 0, 128]], np.uint8)


def save(path, values, mode=None):
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path)
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
def test_a_trimap_is_read_from_any_grey_picture(tmp_path, mode):
    assert (read_trimap(save(tmp_path / "t.png", VALUES, mode), (2, 3)) == VALUES).all()


def test_a_trimap_of_sixteen_bits_is_read(tmp_path):
    path = save(tmp_path / "t.png", VALUES.astype(np.uint16) * 257)
    assert (read_trimap(path, (2, 3)) == VALUES).all()


def test_values_next_to_128_are_unknown(tmp_path):
    path = save(tmp_path / "t.png", np.array([[127, 128, 129]], np.uint8))
    trimap = read_trimap(path, (1, 3))
    assert trimap.tolist() == [[128, 128, 128]]
    assert trimap.dtype == np.uint8


def test_a_trimap_without_unknown_or_of_one_value_is_allowed(tmp_path):
    assert (read_trimap(save(tmp_path / "t.png", np.zeros((2, 3), np.uint8)), (2, 3)) == 0).all()


def test_other_values_are_named(tmp_path):
    path = save(tmp_path / "t.png", np.arange(12, dtype=np.uint8).reshape(3, 4))
    with pytest.raises(InputError, match=r"t\.png must hold only 0 .*; got 0, 1, 2, 3, 4, 5, 6, 7 and 4 more; give"):
        read_trimap(path, (3, 4))


def test_another_size_is_named_with_the_clips(tmp_path):
    with pytest.raises(InputError, match=r"clip's size \(height, width\) \(3, 2\); got \(2, 3\); draw it"):
        read_trimap(save(tmp_path / "t.png", VALUES), (3, 2))


def test_colours_are_refused(tmp_path):
    colour = np.zeros((2, 3, 3), np.uint8)
    colour[0, 0, 0] = 255
    path = save(tmp_path / "t.png", colour)
    with pytest.raises(InputError, match="trimap .* must be grey; it has colours"):
        read_trimap(path, (2, 3))
    with pytest.raises(InputError, match="mask .* must be grey; it has colours"):
        read_mask(path, (2, 3))


def test_a_missing_or_broken_trimap_is_refused(tmp_path):
    (tmp_path / "t.png").write_text("hello")
    with pytest.raises(MediaError, match="it is not one"):
        read_trimap(tmp_path / "t.png", (2, 3))
    with pytest.raises(MediaError, match="no such file"):
        read_trimap(tmp_path / "none.png", (2, 3))


def test_a_mask_is_read_as_it_is(tmp_path):
    values = np.array([[0, 3, 254], [255, 100, 128]], np.int32)
    assert (read_mask(save(tmp_path / "m.png", values.astype(np.uint8)), (2, 3)) == values).all()
    assert (
        read_mask(save(tmp_path / "m.png", np.minimum(values * 257 + 100, 65535).astype(np.uint16)), (2, 3)) == values
    ).all()
    with pytest.raises(InputError, match=r"mask .* must have the clip's size"):
        read_mask(tmp_path / "m.png", (4, 4))


def test_a_partly_transparent_mask_is_read_by_its_alpha(tmp_path):
    values = np.full((2, 3, 4), 77, np.uint8)
    values[..., 3] = VALUES
    assert (read_mask(save(tmp_path / "m.png", values.astype(np.uint8)), (2, 3)) == VALUES).all()


def test_trimaps_belong_to_the_last_number_in_their_names(tmp_path):
    for name in ("take2_0.png", "take2_012.png", "take2_3.tif"):
        save(tmp_path / name, VALUES)
    (tmp_path / "notes7.txt").write_text("hello")
    found = find_trimaps(tmp_path, 13)
    assert {frame: path.name for frame, path in found.items()} == {
        0: "take2_0.png",
        3: "take2_3.tif",
        12: "take2_012.png",
    }
    assert list(found) == [0, 3, 12]


def test_trimaps_past_the_end_without_number_or_twice_are_refused(tmp_path):
    save(tmp_path / "t12.png", VALUES)
    with pytest.raises(InputError, match=r"t12\.png must belong to a frame from 0 to 11; got 12"):
        find_trimaps(tmp_path, 12)
    save(tmp_path / "u12.png", VALUES)
    with pytest.raises(InputError, match=r"frame 12 must have one trimap; got t12\.png and u12\.png"):
        find_trimaps(tmp_path, 13)
    save(tmp_path / "a.png", VALUES)
    with pytest.raises(InputError, match=r"a\.png must have its frame's number in its name"):
        find_trimaps(tmp_path, 13)


def test_a_folder_without_trimaps_is_refused(tmp_path):
    with pytest.raises(MediaError, match="must hold images"):
        find_trimaps(tmp_path, 5)
    with pytest.raises(MediaError, match="must be a folder of trimaps; no such file"):
        find_trimaps(tmp_path / "none", 5)
