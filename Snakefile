# The entry: `snakemake --cores all` makes everything that config/config.yaml asks for.
include: "workflow/Snakefile"


# an included file's first rule is no default target, and a profile beside it is not found: facts of Snakemake
rule default:
    default_target: True
    input:
        rules.all.input,


localrules:
    default,
