"""`ttm-app continue`, `repaint`, `vary`, `ending` and `add`; `layers`: recordings edited, parts on one plan."""
