# On request, per video: a preview for tuning, original and swapped side by side, passes for compositors. Nothing here
# touches video.mp4: each converts the frames it shows anew.
rule preview:
    input:
        path=video_path,
        frames=video_clip("frames.parquet"),
        faces=video_clip("faces.parquet"),
        people=video_clip("people.parquet"),
        trained=of_swaps("trained.json"),
        weights=of_swaps("weights.h5"),
        decisions=decisions_of_targets,
        masks=masks_of_video,
        restorer=restorer_of_video,
        forehead=forehead_of_video,
    output:
        report(
            "results/videos/{video}/preview.jpg",
            caption="../report/preview.rst",
            category="4 Videos",
            labels={"video": "{video}", "file": "preview"},
        ),
    log:
        "results/logs/preview/{video}.log",
    benchmark:
        "results/benchmarks/preview/{video}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    params:
        run=script("preview"),
        code=CODE["preview"],
        settings=lambda wildcards: PROJECT.settings("convert", video=wildcards.video),
        label=lambda wildcards: PROJECT.settings("label", video=wildcards.video),
        swaps=swaps_json,
        view=PROJECT.settings("preview"),
    shell:
        "{params.run} --settings {params.settings:q} --label-settings {params.label:q} --video {wildcards.video}"
        " --path {input.path:q} --frames {input.frames:q} --faces {input.faces:q} --people {input.people:q}"
        " --swaps {params.swaps:q} --trained {input.trained:q} --weights {input.weights:q}"
        " --decisions {input.decisions:q} --masks {input.masks:q} --restorer {input.restorer:q} --forehead {input.forehead:q} --view {params.view:q} --out {output:q} --log {log:q}"


rule side_by_side:
    input:
        path=video_path,
        frames=video_clip("frames.parquet"),
        faces=video_clip("faces.parquet"),
        people=video_clip("people.parquet"),
        trained=of_swaps("trained.json"),
        weights=of_swaps("weights.h5"),
        decisions=decisions_of_targets,
        masks=masks_of_video,
        restorer=restorer_of_video,
        forehead=forehead_of_video,
    output:
        "results/videos/{video}/side_by_side.mp4",
    log:
        "results/logs/side_by_side/{video}.log",
    benchmark:
        "results/benchmarks/side_by_side/{video}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    params:
        run=script("side_by_side"),
        code=CODE["side_by_side"],
        settings=lambda wildcards: PROJECT.settings("convert", video=wildcards.video),
        label=lambda wildcards: PROJECT.settings("label", video=wildcards.video),
        swaps=swaps_json,
        view=PROJECT.settings("side_by_side"),
    shell:
        "{params.run} --settings {params.settings:q} --label-settings {params.label:q} --video {wildcards.video}"
        " --path {input.path:q} --frames {input.frames:q} --faces {input.faces:q} --people {input.people:q}"
        " --swaps {params.swaps:q} --trained {input.trained:q} --weights {input.weights:q}"
        " --decisions {input.decisions:q} --masks {input.masks:q} --restorer {input.restorer:q} --forehead {input.forehead:q} --view {params.view:q} --out {output:q} --log {log:q}"


rule passes:
    input:
        path=video_path,
        frames=video_clip("frames.parquet"),
        faces=video_clip("faces.parquet"),
        people=video_clip("people.parquet"),
        trained=of_swaps("trained.json"),
        weights=of_swaps("weights.h5"),
        decisions=decisions_of_targets,
        masks=masks_of_video,
        restorer=restorer_of_video,
        forehead=forehead_of_video,
    output:
        directory("results/videos/{video}/passes/{form}"),
    log:
        "results/logs/passes/{video}/{form}.log",
    benchmark:
        "results/benchmarks/passes/{video}/{form}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    params:
        run=script("passes"),
        code=CODE["passes"],
        settings=lambda wildcards: PROJECT.settings("convert", video=wildcards.video),
        label=lambda wildcards: PROJECT.settings("label", video=wildcards.video),
        swaps=swaps_json,
        consents=consents,
    shell:
        "{params.run} --settings {params.settings:q} --label-settings {params.label:q} --video {wildcards.video}"
        " --path {input.path:q} --frames {input.frames:q} --faces {input.faces:q} --people {input.people:q}"
        " --swaps {params.swaps:q} --trained {input.trained:q} --weights {input.weights:q}"
        " --decisions {input.decisions:q} --masks {input.masks:q} --restorer {input.restorer:q} --forehead {input.forehead:q} --consents {params.consents:q} --form {wildcards.form} --folder {output:q} --log {log:q}"
