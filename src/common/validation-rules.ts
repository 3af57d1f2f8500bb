import type { getMetadataStorage } from 'class-validator';

type Storage = Pick<ReturnType<typeof getMetadataStorage>, 'getTargetValidationMetadatas' | 'groupByPropertyName'>;
type Rules = ReturnType<Storage['getTargetValidationMetadatas']>;

/**
 * class-validator gathers the rules of a class again for each checked object, and groups them by property. Decorators
 * fix them when the class is defined, so both results are cached.
 */
export function rememberRules(storage: Storage): void {
  const gather = storage.getTargetValidationMetadatas.bind(storage);
  const group = storage.groupByPropertyName.bind(storage);
  const gathered = new Map<unknown, Rules>();
  const grouped = new WeakMap<Rules, ReturnType<Storage['groupByPropertyName']>>();
  storage.getTargetValidationMetadatas = (type, schema, always, strictGroups, groups) => {
    if (schema || always || strictGroups || groups) return gather(type, schema, always, strictGroups, groups);
    const known = gathered.get(type);
    if (known) return known;
    const rules = gather(type, schema, always, strictGroups, groups);
    gathered.set(type, rules);
    return rules;
  };
  storage.groupByPropertyName = (rules) => {
    const known = grouped.get(rules);
    if (known) return known;
    const byProperty = group(rules);
    grouped.set(rules, byProperty);
    return byProperty;
  };
}
