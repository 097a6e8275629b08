# The demo's clips: synthetic actors, so that nobody's consent is needed to try it.
rule studio:
    output:
        "results/studio/{clip}.mp4",
    params:
        run=script("studio"),
        code=code.digest(ROOT / "scripts/studio.py"),
        settings=PROJECT.settings("studio"),
        clip=lambda wildcards: PROJECT.studio_clip(wildcards.clip),
    log:
        "results/logs/studio/{clip}.log",
    benchmark:
        "results/benchmarks/studio/{clip}.tsv"
    conda:
        "../../environment.yml"
    shell:
        "{params.run} --settings {params.settings:q} --clip-settings {params.clip:q} --out {output:q} --log {log:q}"
