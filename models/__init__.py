"""The models that ship as recipes: a manifest with sources and licences, and an exporter each."""
