import { type Expression, type RawBuilder, sql } from 'kysely'

/**
 * Compares with each value of a query of one column that limits and locks its rows, which is run once. As `in (…)` PostgreSQL may run it
 * for every row that is compared, and then takes more rows than the limit says.
 */
export function anyOf<Row extends object>(values: Expression<Row>): RawBuilder<Row[keyof Row]> {
  return sql<Row[keyof Row]>`any(array(${values}))`
}
