"""A review as a project: from files of records to a synthesis, in steps that leave plain files."""
