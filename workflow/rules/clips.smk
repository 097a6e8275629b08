# Per clip: its frames, the faces in them, whose they are, and who the unknown ones might be.
rule frames:
    input:
        files=clip_files,
    output:
        "results/clips/{clip}/frames.parquet",
    log:
        "results/logs/frames/{clip}.log",
    benchmark:
        "results/benchmarks/frames/{clip}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("frames"),
        code=CODE["frames"],
        settings=PROJECT.settings("frames"),
        path=clip_path,
        range=lambda wildcards: PROJECT.clips[wildcards.clip].model_dump_json(include={"start", "end", "rate"}),
    shell:
        "{params.run} --settings {params.settings:q} --clip {wildcards.clip} --path {params.path:q}"
        " --range {params.range:q} --out {output:q} --log {log:q}"


rule faces:
    input:
        files=clip_files,
        frames="results/clips/{clip}/frames.parquet",
        detector=DETECTOR,
    output:
        faces="results/clips/{clip}/faces.parquet",
        archive="results/clips/{clip}/faces.zip",
    log:
        "results/logs/faces/{clip}.log",
    benchmark:
        "results/benchmarks/faces/{clip}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("faces"),
        code=CODE["faces"],
        settings=PROJECT.settings("faces"),
        path=clip_path,
    shell:
        "{params.run} --settings {params.settings:q} --clip {wildcards.clip} --path {params.path:q}"
        " --frames {input.frames:q} --detector-file {input.detector:q}"
        " --faces {output.faces:q} --archive {output.archive:q} --log {log:q}"


rule identify:
    input:
        faces="results/clips/{clip}/faces.parquet",
        known="results/known.parquet",
    output:
        "results/clips/{clip}/people.parquet",
    log:
        "results/logs/identify/{clip}.log",
    benchmark:
        "results/benchmarks/identify/{clip}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("identify"),
        code=CODE["identify"],
        settings=PROJECT.settings("identify"),
        candidates=lambda wildcards: PROJECT.clips[wildcards.clip].people,
        refused=REFUSED,
        # of the hand-written files only the lines about identity, in this clip, are a reason to decide again
        edits=lambda wildcards: list(identity_edits(wildcards.clip)),
        decided=lambda wildcards: identity_edits(wildcards.clip),
    shell:
        "{params.run} --settings {params.settings:q} --clip {wildcards.clip} --candidates {params.candidates}"
        " --faces {input.faces:q} --known {input.known:q}"
        " --refused {params.refused} --edits {params.edits:q} --out {output:q} --log {log:q}"


rule parse:
    input:
        faces="results/clips/{clip}/faces.parquet",
        archive="results/clips/{clip}/faces.zip",
        parser=PARSER,
        painted=painted_masks,
    output:
        "results/clips/{clip}/masks.zip",
    log:
        "results/logs/parse/{clip}.log",
    benchmark:
        "results/benchmarks/parse/{clip}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("parse"),
        code=CODE["parse"],
        settings=PROJECT.settings("parse"),
    shell:
        "{params.run} --settings {params.settings:q} --clip {wildcards.clip} --faces {input.faces:q}"
        " --archives {input.archive:q} --parser-file {input.parser:q} --painted {input.painted:q} --out {output:q} --log {log:q}"


rule groups:
    input:
        faces="results/clips/{clip}/faces.parquet",
        people="results/clips/{clip}/people.parquet",
        archive="results/clips/{clip}/faces.zip",
    output:
        sheet=report(
            "results/clips/{clip}/groups.jpg",
            caption="../report/groups.rst",
            category="1 Faces",
            labels={"clip": "{clip}", "picture": "unknown faces"},
        ),
        lines="results/clips/{clip}/groups.yaml",
    log:
        "results/logs/groups/{clip}.log",
    benchmark:
        "results/benchmarks/groups/{clip}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("groups"),
        code=CODE["groups"],
        settings=PROJECT.settings("groups"),
    shell:
        "{params.run} --settings {params.settings:q} --clip {wildcards.clip} --faces {input.faces:q}"
        " --people {input.people:q} --archives {input.archive:q} --sheet {output.sheet:q} --lines {output.lines:q}"
        " --log {log:q}"
