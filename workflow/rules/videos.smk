# Per video: the swapped frames, the labelled file, and what can be measured and seen of it.
# What each shot does about the target's forehead, where convert.mask is auto.
rule forehead:
    input:
        path=video_path,
        frames=video_clip("frames.parquet"),
        faces=video_clip("faces.parquet"),
        archive=video_clip("faces.zip"),
        people=video_clip("people.parquet"),
        trained=of_swaps("trained.json"),
        weights=of_swaps("weights.h5"),
        decisions=decisions_of_targets,
        masks=masks_of_video,
    output:
        report(
            "results/videos/{video}/forehead.json",
            caption="../report/forehead.rst",
            category="4 Videos",
            labels={"video": "{video}", "file": "the mask of each shot, and masks worth painting"},
        ),
    log:
        "results/logs/forehead/{video}.log",
    benchmark:
        "results/benchmarks/forehead/{video}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("forehead"),
        code=CODE["forehead"],
        settings=seen_on_foreheads,
        forehead=PROJECT.settings("forehead"),
        swaps=swaps_json,
    shell:
        "{params.run} --settings {params.settings:q} --label-settings {{}} --forehead-settings {params.forehead:q}"
        " --video {wildcards.video} --path {input.path:q} --frames {input.frames:q} --faces {input.faces:q}"
        " --archives {input.archive:q} --people {input.people:q} --swaps {params.swaps:q} --trained {input.trained:q}"
        " --weights {input.weights:q} --decisions {input.decisions:q} --masks {input.masks:q} --out {output:q} --log {log:q}"


rule convert:
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
        temp(local("results/videos/{video}/composite.mkv")),  # large, and soon removed: never in a bucket
    log:
        "results/logs/convert/{video}.log",
    benchmark:
        "results/benchmarks/convert/{video}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    params:
        run=script("convert"),
        code=CODE["convert"],
        settings=lambda wildcards: PROJECT.settings("convert", video=wildcards.video),
        label=lambda wildcards: PROJECT.settings("label", video=wildcards.video),
        swaps=swaps_json,
    shell:
        "{params.run} --settings {params.settings:q} --label-settings {params.label:q} --video {wildcards.video}"
        " --path {input.path:q} --frames {input.frames:q} --faces {input.faces:q} --people {input.people:q}"
        " --swaps {params.swaps:q} --trained {input.trained:q} --weights {input.weights:q}"
        " --decisions {input.decisions:q} --masks {input.masks:q} --restorer {input.restorer:q} --forehead {input.forehead:q} --out {output:q} --log {log:q}"


rule label:
    input:
        path=video_path,
        frames=video_clip("frames.parquet"),
        composite=composites,
        trained=of_swaps("trained.json"),
        behind=inputs_behind,
        signer=ancient(signer_files),  # a new certificate signs new videos
    output:
        video=report(
            "results/videos/{video}/video.mp4",
            caption="../report/video.rst",
            category="4 Videos",
            labels={"video": "{video}", "file": "video"},
        ),
        provenance="results/videos/{video}/provenance.json",
    log:
        "results/logs/label/{video}.log",
    benchmark:
        "results/benchmarks/label/{video}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("label"),
        code=CODE["label"],
        settings=lambda wildcards: PROJECT.settings("label", video=wildcards.video),
        swaps=swaps_json,
        consents=consents,
        behind=settings_behind,
    shell:
        "{params.run} --settings {params.settings:q} --video {wildcards.video} --path {input.path:q}"
        " --frames {input.frames:q} --composite {input.composite:q} --swaps {params.swaps:q}"
        " --trained {input.trained:q} --consents {params.consents:q} --config {params.behind:q}"
        ' --inputs {input.behind:q} --state "$SWAPCORE_STATE"'
        " --out {output.video:q} --provenance {output.provenance:q} --log {log:q}"


# A video that was stripped or altered since, or whose note, credentials or digests do not hold, stops `rule all`.
rule verify:
    input:
        video="results/videos/{video}/video.mp4",
        provenance="results/videos/{video}/provenance.json",
    output:
        "results/videos/{video}/verified.json",
    log:
        "results/logs/verify/{video}.log",
    benchmark:
        "results/benchmarks/verify/{video}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("verify"),
        code=CODE["verify"],
    shell:
        "{params.run} --video {wildcards.video} --video-file {input.video:q} --provenance {input.provenance:q}"
        " --out {output:q} --log {log:q}"


rule measure:
    input:
        video="results/videos/{video}/video.mp4",
        path=video_path,
        frames=video_clip("frames.parquet"),
        faces=video_clip("faces.parquet"),
        people=video_clip("people.parquet"),
        decisions=decisions_of_targets,
        masks=masks_of_video,
        forehead=forehead_of_video,
        trained=of_swaps("trained.json"),
        known="results/known.parquet",  # a face that is nearer to any of them is not yet the source's
        datasets=datasets_of_sources,
        archives=lambda wildcards: of_clips(clips_of_sources(wildcards), "faces.zip"),
    output:
        report(
            "results/videos/{video}/measures.json",
            caption="../report/measures.rst",
            category="4 Videos",
            labels={"video": "{video}", "file": "measures"},
        ),
    log:
        "results/logs/measure/{video}.log",
    benchmark:
        "results/benchmarks/measure/{video}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("measure"),
        code=CODE["measure"],
        settings=PROJECT.settings("measure"),
        convert=lambda wildcards: PROJECT.settings("convert", video=wildcards.video),
        swaps=swaps_json,
        truth=true_swaps,
        clips=clips_of_sources,
    shell:
        "{params.run} --settings {params.settings:q} --convert-settings {params.convert:q} --video-file {input.video:q} --path {input.path:q}"
        " --frames {input.frames:q} --faces {input.faces:q} --people {input.people:q} --swaps {params.swaps:q}"
        " --decisions {input.decisions:q} --masks {input.masks:q} --forehead {input.forehead:q}"
        " --trained {input.trained:q} --truth {params.truth:q}"
        " --known {input.known:q} --datasets {input.datasets:q}"
        " --clips {params.clips} --archives {input.archives:q} --out {output:q} --log {log:q}"


rule report:
    input:
        video="results/videos/{video}/video.mp4",
        path=video_path,
        frames=video_clip("frames.parquet"),
        faces=video_clip("faces.parquet"),
        people=video_clip("people.parquet"),
        decisions=decisions_of_targets,
        measures="results/videos/{video}/measures.json",
        forehead=forehead_of_video,
    output:
        strip=report(
            "results/videos/{video}/strip.jpg",
            caption="../report/strip.rst",
            category="4 Videos",
            labels={"video": "{video}", "file": "before and after"},
        ),
        page=report(
            "results/videos/{video}/measures.html",
            caption="../report/worst.rst",
            category="4 Videos",
            labels={"video": "{video}", "file": "what was measured, and the worst frames"},
        ),
    log:
        "results/logs/report/{video}.log",
    benchmark:
        "results/benchmarks/report/{video}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("report"),
        code=CODE["report"],
        settings=PROJECT.settings("report"),
        swaps=swaps_json,
    shell:
        "{params.run} --settings {params.settings:q} --video {wildcards.video} --video-file {input.video:q} --path {input.path:q}"
        " --frames {input.frames:q} --faces {input.faces:q} --people {input.people:q} --swaps {params.swaps:q}"
        " --decisions {input.decisions:q} --measures {input.measures:q} --forehead {input.forehead:q}"
        " --out {output.strip:q} --page {output.page:q} --log {log:q}"
