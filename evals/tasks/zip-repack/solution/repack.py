import hashlib
import pathlib
import zipfile

with zipfile.ZipFile("photos.zip") as old, zipfile.ZipFile("out.zip", "w", zipfile.ZIP_DEFLATED) as new:
    seen = set()
    for name in old.namelist():
        data = old.read(name)
        target = "all/" + hashlib.sha256(data).hexdigest()[:16] + pathlib.PurePosixPath(name).suffix.lower()
        if data and target not in seen:
            seen.add(target)
            new.writestr(target, data)
