"""Systems of the family pretrain: representations learned without labels of the task."""
