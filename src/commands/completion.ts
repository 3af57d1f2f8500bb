import { CLI, COMMON } from '../cli/commands.js';
import type { Option } from '../cli/commands.js';
import type { Command } from './command.js';
import { listCommands } from './commands.js';
import type { Listed } from './commands.js';

/** Nothing is asked of a server: a completion answers at once, whatever the network does. */
export const completion: Command = (say, [shell]) => {
  const write = { bash, zsh, fish }[shell as 'bash' | 'zsh' | 'fish'];
  for (const line of write(listCommands().map(read))) say(line);
  return Promise.resolve(0);
};

interface Completed {
  name: string;
  summary: string;
  /** The first argument is one of these, or any if there are none. */
  first: string[];
  options: Readonly<Record<string, Pick<Option, 'type' | 'value' | 'text'>>>;
  takesFile: boolean;
}

/** `usage`: capitals stand for any argument, small letters for themselves. */
function read({ name, summary, usage }: Listed): Completed {
  const named = [...usage.matchAll(/--([a-z-]+)(?: ([A-Z]+))?/g)].map(([, option = '', value]) => [
    option,
    { type: value === undefined ? 'boolean' : 'string', value, text: summary } as const,
  ]);
  const first = usage.replaceAll(/--[a-z-]+/g, '').match(/[a-z]+/g) ?? [];
  const own = CLI[name] ? { ...CLI[name].options, ...COMMON } : Object.fromEntries(named);
  return { name, summary, first, options: own, takesFile: isFile(usage) };
}

const optionsOf = ({ options }: Completed): string =>
  Object.keys(options)
    .map((option) => `--${option}`)
    .join(' ');
const namesOf = (all: readonly Completed[]): string => all.map(({ name }) => name).join(' ');

function* bash(all: readonly Completed[]): Generator<string> {
  yield '# eval "$(carillon completion bash)"';
  yield '_carillon() {';
  yield '  local current=${COMP_WORDS[COMP_CWORD]} options= first= words=';
  yield '  case ${COMP_WORDS[1]} in';
  for (const each of all) yield `    ${each.name}) options='${optionsOf(each)}' first='${each.first.join(' ')}' ;;`;
  yield '  esac';
  yield '  case $COMP_CWORD:$current in';
  yield `    1:*) words='${namesOf(all)}' ;;`;
  yield '    *:-*) words=$options ;;';
  yield '    2:*) words=$first ;;';
  yield '  esac';
  yield '  COMPREPLY=($(compgen -W "$words" -- "$current"))';
  yield '}';
  // A value that is no option: the names of files.
  yield 'complete -o default -F _carillon carillon';
}

function* zsh(all: readonly Completed[]): Generator<string> {
  yield '#compdef carillon';
  yield '_carillon() {';
  yield '  local -a options first';
  yield `  if (( CURRENT == 2 )); then compadd -- ${namesOf(all)}; return; fi`;
  yield '  case $words[2] in';
  for (const each of all) yield `    ${each.name}) options=(${optionsOf(each)}) first=(${each.first.join(' ')}) ;;`;
  yield '  esac';
  yield '  if [[ $PREFIX == -* ]]; then compadd -- $options';
  yield '  elif (( CURRENT == 3 && $#first > 0 )); then compadd -- $first';
  yield '  else _files; fi';
  yield '}';
  yield 'if [ "$funcstack[1]" = _carillon ]; then _carillon; else compdef _carillon carillon; fi';
}

function* fish(all: readonly Completed[]): Generator<string> {
  for (const { name, summary } of all)
    yield `complete -c carillon -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`;
  for (const { name, first, options, takesFile } of all) {
    const command = `complete -c carillon -n '__fish_seen_subcommand_from ${name}`;
    if (!takesFile) yield `${command}' -f`;
    if (first.length > 0) {
      const words = first.join(' ');
      yield `${command}; and not __fish_seen_subcommand_from ${words}' -f -a '${words}'`;
    }
    for (const [option, { type, value, text }] of Object.entries(options)) {
      const needs = type === 'boolean' ? '' : isFile(value!) ? ' -rF' : ' -x';
      yield `${command}' -l ${option}${needs} -d ${quoted(text)}`;
    }
  }
}

function isFile(word: string): boolean {
  return word.includes('FILE');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
