"""What people and jobs do to plans: drafts, approval, tasks, slips, classes of streets, what follows a rank.

Each takes a session and never commits; each change asks the tables of ``gridgov.rules.plans``, checks the version that
the person saw, writes the log, and tells whom it concerns. What a plan says comes as JSON from the planner.
"""
