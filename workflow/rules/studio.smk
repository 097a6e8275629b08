# The demo's clips: synthetic actors, so that nobody's consent is needed to try it.
rule studio:
    output:
        "results/studio/{clip}.mp4",
    log:
        "results/logs/studio/{clip}.log",
    benchmark:
        "results/benchmarks/studio/{clip}.tsv"
    conda:
        "../../environment.yml"
    params:
        run=script("studio"),
        code=CODE["studio"],
        settings=PROJECT.settings("studio"),
        clip=lambda wildcards: PROJECT.studio_clip(wildcards.clip),
    shell:
        "{params.run} --settings {params.settings:q} --clip-settings {params.clip:q} --out {output:q} --log {log:q}"
