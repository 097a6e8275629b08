# Long clips: their faces are found, and their frames converted, by segments, each a job that any node can take. Nothing else of
# a clip or a video knows of them: these rules make what `faces` and `convert` make of the others.
ruleorder: faces_join > faces


use rule faces as faces_part with:
    output:
        faces=temp("results/clips/{clip}/parts/{part}.parquet"),
        archive=temp("results/clips/{clip}/parts/{part}.zip"),
    log:
        "results/logs/faces_part/{clip}/{part}.log",
    benchmark:
        "results/benchmarks/faces_part/{clip}/{part}.tsv"
    params:
        run=lambda wildcards: f"{script('faces_part')} --segment {wildcards.part}/{SEGMENTS[wildcards.clip]}",
        code=CODE["faces_part"],


# It has all the inputs and params of its parts: when one of them failed, Snakemake takes that for up to date.
rule faces_join:
    input:
        files=clip_files,
        frames="results/clips/{clip}/frames.parquet",
        detector=DETECTOR,
        tables=segments_of_clip("parquet"),
        archives=segments_of_clip("zip"),
    output:
        faces="results/clips/{clip}/faces.parquet",
        archive="results/clips/{clip}/faces.zip",
    log:
        "results/logs/faces_join/{clip}.log",
    benchmark:
        "results/benchmarks/faces_join/{clip}.tsv"
    wildcard_constraints:
        clip="|".join(SEGMENTS) or NOTHING,
    conda:
        "../../environment.yml"
    params:
        run=script("faces_join"),
        code=CODE["faces_join"],
        settings=PROJECT.settings("faces"),
        path=clip_path,
    shell:
        "{params.run} --settings {params.settings:q} --clip {wildcards.clip} --path {params.path:q}"
        " --frames {input.frames:q} --tables {input.tables:q} --archives {input.archives:q}"
        " --faces {output.faces:q} --archive {output.archive:q} --log {log:q}"


use rule convert as convert_part with:
    output:
        temp(local("results/videos/{video}/parts/{part}.mkv")),
    log:
        "results/logs/convert_part/{video}/{part}.log",
    benchmark:
        "results/benchmarks/convert_part/{video}/{part}.tsv"
    params:
        run=lambda wildcards: f"{script('convert_part')} --segment {wildcards.part}/{segments_of(video=wildcards.video)}",
        code=CODE["convert_part"],
