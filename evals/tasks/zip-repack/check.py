import hashlib
import io
import pathlib
import zipfile

MOST = 100_000  # bytes: the real ones are a few kB


def check(project):
    assert project.is_unchanged("photos.zip") and project.has("repack.py")
    wanted = {}
    with zipfile.ZipFile(io.BytesIO(project.before["photos.zip"])) as old:
        for name in old.namelist():
            if data := old.read(name):
                suffix = pathlib.PurePosixPath(name).suffix.lower()
                wanted[f"all/{hashlib.sha256(data).hexdigest()[:16]}{suffix}"] = data
    with zipfile.ZipFile(io.BytesIO(project.content("out.zip"))) as new:
        infos = [info for info in new.infolist() if not info.is_dir()]
        assert sum(info.file_size for info in infos) < MOST
        assert len(wanted) == 5 and sorted(info.filename for info in infos) == sorted(wanted), new.namelist()
        assert all(new.read(name) == data for name, data in wanted.items())
