import type { ColumnType } from 'kysely';

/** Column types that several tables share. */

/** The database sets it if omitted. */
export type CreatedAt = ColumnType<Date, Date | undefined, never>;
/** Written as text, read as a value. */
export type Json<T> = ColumnType<T, string, string>;
