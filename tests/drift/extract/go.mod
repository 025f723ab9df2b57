// Marks the root of the extractor, which needs nothing but the standard library.
module tfserve.dev/drift/extract

go 1.26.0
