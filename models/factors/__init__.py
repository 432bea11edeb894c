"""Factor models: a product's score as a sum over its building blocks and their pairs, distilled from a teacher."""
