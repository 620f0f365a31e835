"""Who has this address? Answered from the host table; looked for where the table does not know."""
