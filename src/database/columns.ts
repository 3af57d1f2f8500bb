import type { ColumnType } from 'kysely';

/** Kinds of columns that several tables have. */

/** Set by the database when it is left out. */
export type CreatedAt = ColumnType<Date, Date | undefined, never>;
/** Written as text, read as a value. */
export type Json<T> = ColumnType<T, string, string>;
