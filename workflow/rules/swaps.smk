# Per swap: what its dataset lacks, known before training; then one encoder for both people, a decoder each.
rule advise:
    input:
        source_scores=person_files("source", "scores.parquet"),
        source_decisions=person_files("source", "decisions.parquet"),
        target_scores=person_files("target", "scores.parquet"),
        target_decisions=person_files("target", "decisions.parquet"),
        archives=lambda wildcards: of_clips(clips_of_swap(wildcards), "faces.zip"),
    output:
        json="results/swaps/{swap}/advice.json",
        page=report(
            "results/swaps/{swap}/advice.html",
            caption="../report/advice.rst",
            category="2 Advice",
            labels={"swap": "{swap}", "page": "what is missing, what to film, what to drop"},
        ),
    log:
        "results/logs/advise/{swap}.log",
    benchmark:
        "results/benchmarks/advise/{swap}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("advise"),
        code=CODE["advise"],
        settings=PROJECT.settings("advise"),
        source=lambda wildcards: PROJECT.swaps[wildcards.swap].source,
        target=lambda wildcards: PROJECT.swaps[wildcards.swap].target,
        target_clips=changed_by,
        clips=clips_of_swap,
    shell:
        "{params.run} --settings {params.settings:q} --swap {wildcards.swap}"
        " --source {params.source} --target {params.target}"
        " --source-scores {input.source_scores:q} --source-decisions {input.source_decisions:q}"
        " --target-scores {input.target_scores:q} --target-decisions {input.target_decisions:q}"
        " --target-clips {params.target_clips} --clips {params.clips} --archives {input.archives:q}"
        " --json {output.json:q} --page {output.page:q} --log {log:q}"


# Training goes on from its state, which is no output.
rule train:
    input:
        source=person_files("source", "dataset.parquet"),
        target=person_files("target", "dataset.parquet"),
        source_json=person_files("source", "dataset.json"),
        target_json=person_files("target", "dataset.json"),
        archives=lambda wildcards: of_clips(clips_of_swap(wildcards), "faces.zip"),
        masks=masks_of_swap,
        start=ancient(start_of_swap),  # a beginning: what that one learns later changes nothing here
    output:
        trained="results/swaps/{swap}/trained.json",
        weights="results/swaps/{swap}/weights.h5",
        curve=report(
            "results/swaps/{swap}/loss.png",
            caption="../report/curve.rst",
            category="3 Training",
            labels={"swap": "{swap}", "picture": "loss"},
        ),
        quality=report(
            "results/swaps/{swap}/quality.png",
            caption="../report/quality.rst",
            category="3 Training",
            labels={"swap": "{swap}", "picture": "quality"},
        ),
        preview=report(
            "results/swaps/{swap}/preview.jpg",
            caption="../report/preview.rst",
            category="3 Training",
            labels={"swap": "{swap}", "picture": "preview"},
        ),
    log:
        "results/logs/train/{swap}.log",
    benchmark:
        "results/benchmarks/train/{swap}.tsv"
    wildcard_constraints:
        swap="|".join(TRAINED) or settings_of.NAME,
    conda:
        "../../environment.yml"
    threads: 64  # as many as there are: Snakemake gives no more than --cores
    params:
        run=script("train"),
        code=CODE["train"],
        settings=lambda wildcards: PROJECT.settings("train", swap=wildcards.swap),
        source=lambda wildcards: PROJECT.swaps[wildcards.swap].source,
        target=lambda wildcards: PROJECT.swaps[wildcards.swap].target,
        clips=clips_of_swap,
    shell:
        '{params.run} --settings {params.settings:q} --hints "$SWAPCORE_HINTS" --swap {wildcards.swap}'
        " --source {params.source} --target {params.target}"
        " --source-dataset {input.source:q} --target-dataset {input.target:q}"
        " --source-json {input.source_json:q} --target-json {input.target_json:q}"
        " --clips {params.clips} --archives {input.archives:q} --masks {input.masks:q}"
        " --start {input.start:q}"
        ' --state "$SWAPCORE_STATE"'
        " --out {output.trained:q} --weights {output.weights:q} --curve {output.curve:q}"
        " --quality {output.quality:q} --preview {output.preview:q} --log {log:q}"
