# Per person: what is known of the face, all faces found, which of them are good, and what is trained from.
rule references:
    input:
        unpack(known_from),
    output:
        "results/people/{person}/references.parquet",
    log:
        "results/logs/references/{person}.log",
    benchmark:
        "results/benchmarks/references/{person}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("references"),
        code=CODE["references"],
        settings=PROJECT.settings("references"),
        given=lambda wildcards, input: ("--photos" if "photos" in input.keys() else "--faces"),
        edits=lambda wildcards: list(deciding(wildcards.person)),
        decided=lambda wildcards: deciding(wildcards.person),
    shell:
        "{params.run} --settings {params.settings:q} --person {wildcards.person} {params.given} {input:q}"
        " --edits {params.edits:q} --out {output:q} --log {log:q}"


# Everybody in one file: each clip and video is compared with all, and of a thousand clips and a hundred people Snakemake
# would look up a hundred thousand.
rule known:
    input:
        expand("results/people/{person}/references.parquet", person=KNOWN),
    output:
        "results/known.parquet",
    log:
        "results/logs/known.log",
    benchmark:
        "results/benchmarks/known.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("known"),
        code=CODE["known"],
        people=KNOWN,
    shell:
        "{params.run} --people {params.people} --references {input:q} --out {output:q} --log {log:q}"


rule sort:
    input:
        frames=lambda wildcards: of_clips(clips_of(wildcards.person), "frames.parquet"),
        faces=lambda wildcards: of_clips(clips_of(wildcards.person), "faces.parquet"),
        people=lambda wildcards: of_clips(clips_of(wildcards.person), "people.parquet"),
        archives=lambda wildcards: of_clips(clips_of(wildcards.person), "faces.zip"),
    output:
        scores="results/people/{person}/scores.parquet",
        sheet=report(
            "results/people/{person}/sheet.jpg",
            caption="../report/sheet.rst",
            category="1 Faces",
            labels={"person": "{person}", "picture": "contact sheet"},
        ),
        lines="results/people/{person}/lines.yaml",
    log:
        "results/logs/sort/{person}.log",
    benchmark:
        "results/benchmarks/sort/{person}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("sort"),
        code=CODE["sort"],
        settings=lambda wildcards: PROJECT.settings("sort", person=wildcards.person),
        clips=lambda wildcards: clips_of(wildcards.person),
    shell:
        "{params.run} --settings {params.settings:q} --person {wildcards.person} --clips {params.clips}"
        " --frames {input.frames:q} --faces {input.faces:q} --people {input.people:q} --archives {input.archives:q}"
        " --out {output.scores:q} --sheet {output.sheet:q} --lines {output.lines:q} --log {log:q}"


rule clean:
    input:
        scores="results/people/{person}/scores.parquet",
        edits=lambda wildcards: edits_of(wildcards.person),
        archives=lambda wildcards: of_clips(clips_of(wildcards.person), "faces.zip"),
    output:
        decisions="results/people/{person}/decisions.parquet",
        sheet=report(
            "results/people/{person}/dropped.jpg",
            caption="../report/dropped.rst",
            category="1 Faces",
            labels={"person": "{person}", "picture": "dropped"},
        ),
        numbers="results/people/{person}/dropped.json",
        page=report(
            "results/people/{person}/faces.html",
            caption="../report/faces.rst",
            category="1 Faces",
            labels={"person": "{person}", "picture": "all faces, to click"},
        ),
    log:
        "results/logs/clean/{person}.log",
    benchmark:
        "results/benchmarks/clean/{person}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("clean"),
        code=CODE["clean"],
        settings=lambda wildcards: PROJECT.settings("clean", person=wildcards.person),
        clips=lambda wildcards: clips_of(wildcards.person),
    shell:
        "{params.run} --settings {params.settings:q} --person {wildcards.person} --scores {input.scores:q}"
        " --edits {input.edits:q} --clips {params.clips} --archives {input.archives:q}"
        " --out {output.decisions:q} --json {output.numbers:q} --sheet {output.sheet:q} --page {output.page:q}"
        " --log {log:q}"


rule dataset:
    input:
        scores="results/people/{person}/scores.parquet",
        decisions="results/people/{person}/decisions.parquet",
        archives=lambda wildcards: of_clips(clips_of(wildcards.person), "faces.zip"),
    output:
        table="results/people/{person}/dataset.parquet",
        summary="results/people/{person}/dataset.json",
        coverage=report(
            "results/people/{person}/coverage.png",
            caption="../report/coverage.rst",
            category="1 Faces",
            labels={"person": "{person}", "picture": "coverage"},
        ),
    log:
        "results/logs/dataset/{person}.log",
    benchmark:
        "results/benchmarks/dataset/{person}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("dataset"),
        code=CODE["dataset"],
        settings=PROJECT.settings("dataset"),
        clips=lambda wildcards: clips_of(wildcards.person),
    shell:
        "{params.run} --settings {params.settings:q} --person {wildcards.person} --scores {input.scores:q}"
        " --decisions {input.decisions:q} --clips {params.clips} --archives {input.archives:q}"
        " --out {output.table:q} --json {output.summary:q} --coverage {output.coverage:q} --log {log:q}"
