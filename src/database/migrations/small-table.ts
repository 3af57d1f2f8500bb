/**
 * A statement that creates the indexes (name to definition) of a table of up to 64 MB. Those of a larger table are left
 * to late-indexes.ts, which holds no lock: an index of ten million rows takes a minute.
 */
export function indexesIfSmall(table: string, indexes: Readonly<Record<string, string>>): string {
  return `do $$ begin
     if pg_relation_size('${table}') < 64 * 1024 * 1024 then
       ${Object.entries(indexes)
         .map(([name, definition]) => `create index ${name} on ${definition};`)
         .join(' ')}
     end if;
   end $$`;
}
