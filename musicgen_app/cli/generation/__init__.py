"""`ttm-app generate`: one clip, variations and batches."""
