import { readFileSync, readdirSync } from 'node:fs';
import ts from 'typescript';

const SOURCE = new URL('../../src/', import.meta.url);
const BUILDERS = new Set(['selectFrom', 'updateTable', 'deleteFrom', 'insertInto']);

export interface SqlText {
  /** The room of src. */
  room: string;
  text: string;
}

/** The texts of all statements in src: the outermost templates of `sql`, and the chains of Kysely's builders. */
export function readSqlTexts(): SqlText[] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.spec.ts') && !name.includes('migrations/'),
  );
  return files.flatMap((name) => {
    const source = ts.createSourceFile(name, readFileSync(new URL(name, SOURCE), 'utf8'), ts.ScriptTarget.Latest, true);
    const texts: SqlText[] = [];
    const visit = (node: ts.Node, inside: boolean): void => {
      const isTemplate = ts.isTaggedTemplateExpression(node) && /^sql\b/.test(node.tag.getText());
      const isChain =
        ts.isCallExpression(node) &&
        ts.isPropertyAccessExpression(node.expression) &&
        BUILDERS.has(node.expression.name.text);
      if ((isTemplate && !inside) || isChain)
        texts.push({ room: name.split('/')[0] ?? '', text: (isChain ? topOf(node) : node).getText() });
      ts.forEachChild(node, (child) => visit(child, inside || isTemplate));
    };
    visit(source, false);
    return texts;
  });
}

/** The whole chain that begins with this call. */
function topOf(call: ts.Node): ts.Node {
  let top = call;
  while (
    ts.isPropertyAccessExpression(top.parent) ||
    (ts.isCallExpression(top.parent) && top.parent.expression === top)
  )
    top = top.parent;
  return top;
}
