"""The intermediate representation: types, constants, scalar expressions and graphs."""
