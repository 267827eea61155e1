"""Small data sets and prediction folders, written to disk in the layouts that users have."""

import io

import numpy as np
from PIL import Image
from scipy.io import savemat
from scipy.ndimage import gaussian_filter

SHAPE = (24, 32)


def write_picture(path, pixels):
    """Write pixels in the format of the path's suffix."""
    Image.fromarray(pixels).save(path)


def read_picture(path):
    """The stored pixels of a png file."""
    with Image.open(path) as picture:
        return np.array(picture)


def picture_bytes(pixels, kind):
    """What `write_picture` would write into a file of that suffix."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def toy_image(seed=0, shape=SHAPE):
    """A bright box on a dark ground with a little noise."""
    random = np.random.RandomState(seed)
    image = np.full((*shape, 3), 60.0)
    image[6:18, 8 + seed % 5 : 24] = 190
    return np.clip(image + random.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


def toy_truth(seed=0, shape=SHAPE):
    """The box's outline."""
    inside = np.zeros(shape, bool)
    inside[6:18, 8 + seed % 5 : 24] = True
    outline = inside.copy()
    outline[7:17, 9 + seed % 5 : 23] = False
    return outline


def toy_labels(seed=0, shape=SHAPE):
    """The box as a segment, the ground in two halves: three whole numbers that fill areas."""
    labels = np.where(np.arange(shape[1]) < 20, 1, 2) * np.ones(shape, int)
    labels[6:18, 8 + seed % 5 : 24] = 7
    return labels


def soft_map(seed, shape=(96, 128), lines=30, width=2.0, texture=0.3):
    """A raw soft map as networks draw them: many thick, smooth lines of several strengths, texture, a little noise."""
    random = np.random.RandomState(seed)
    drawn = np.zeros(shape)
    for _ in range(lines):
        ends = random.rand(2, 2) * np.array(shape)[:, np.newaxis]
        rows, columns = (np.linspace(*end, 400).astype(int) for end in ends)
        drawn[rows, columns] = np.maximum(drawn[rows, columns], random.uniform(0.4, 1))
    soft, ground = gaussian_filter(drawn, width), gaussian_filter(random.rand(*shape), width)
    soft, ground = (soft / soft.max()) ** 0.7, (ground - ground.min()) / np.ptp(ground)
    mixed = 0.95 * ((1 - texture) * soft + texture * ground)
    return np.clip(mixed + random.rand(*shape) * 0.01, 0, 1).astype(np.float32)


def write_mat73(path, write):
    """A MATLAB 7.3 file, as MATLAB writes them, by a function of an open HDF5 file."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        write(file)
    data = bytearray(buffer.getvalue())
    data[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    path.write_bytes(bytes(data))


def write_bsds_truth(path, layers):
    cell = np.empty((1, len(layers)), object)
    for i, layer in enumerate(layers):
        cell[0, i] = {"Segmentation": np.zeros(SHAPE, np.uint16), "Boundaries": np.asarray(layer, np.uint8)}
    savemat(path, {"groundTruth": cell})


def write_folder(root, ids=("a", "b", "c"), truth="png"):
    """A generic data set: images/ and gt/."""
    (root / "images").mkdir(parents=True)
    (root / "gt").mkdir()
    for i, image_id in enumerate(ids):
        write_picture(root / "images" / f"{image_id}.png", toy_image(i))
        layer = toy_truth(i)
        if truth == "png":
            write_picture(root / "gt" / f"{image_id}.png", layer.astype(np.uint8) * 255)
        elif truth == "pngs":
            for k in (1, 2):
                write_picture(root / "gt" / f"{image_id}_{k}.png", np.roll(layer, k, 0).astype(np.uint8) * 255)
        elif truth == "subfolders":
            (root / "gt" / image_id).mkdir()
            for k in (1, 2):
                write_picture(root / "gt" / image_id / f"{k}.png", np.roll(layer, k, 0).astype(np.uint8) * 255)
        elif truth == "npy":
            np.save(root / "gt" / f"{image_id}.npy", np.stack([layer, np.roll(layer, 1, 0)]))
        else:
            write_bsds_truth(root / "gt" / f"{image_id}.mat", [layer, np.roll(layer, 1, 0)])
    return root


def write_maps(folder, ids=("a", "b", "c"), kind="npy"):
    """Soft contour maps of the toy images in one of the accepted kinds."""
    folder.mkdir(parents=True)
    for i, image_id in enumerate(ids):
        soft = (0.1 + 0.7 * toy_truth(i)).astype(np.float32)
        if kind == "npy":
            np.save(folder / f"{image_id}.npy", soft)
        elif kind == "png8":
            write_picture(folder / f"{image_id}.png", np.rint(soft * 255).astype(np.uint8))
        elif kind == "png16":
            write_picture(folder / f"{image_id}.png", np.rint(soft * 65535).astype(np.uint16))
        elif kind == "mat":
            savemat(folder / f"{image_id}.mat", {"edge": soft})
        elif kind == "ucm2":
            double = np.zeros((2 * SHAPE[0] + 1, 2 * SHAPE[1] + 1))
            double[2::2, 2::2] = soft
            savemat(folder / f"{image_id}.mat", {"ucm2": double})
        else:
            cell = np.empty((1, 2), object)
            cell[0, 0], cell[0, 1] = toy_truth(i).cumsum(1) % 3, np.zeros(SHAPE, np.uint16)
            savemat(folder / f"{image_id}.mat", {"segs": cell})
    return folder
