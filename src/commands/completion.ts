import { CLI, COMMON } from '../cli/commands.js';
import type { Command } from './command.js';
import { summaries } from './commands.js';

/** Nothing is asked of a server: a completion answers at once, whatever the network does. */
export const completion: Command = (say, [shell]) => {
  const write = { bash, zsh, fish }[shell as 'bash' | 'zsh' | 'fish'];
  for (const line of write()) say(line);
  return Promise.resolve(0);
};

function optionsOf(name: string): string[] {
  const entry = CLI[name];
  return entry ? Object.keys({ ...entry.options, ...COMMON }).map((option) => `--${option}`) : [];
}

function* bash(): Generator<string> {
  const names = Object.keys(summaries());
  yield '# eval "$(carillon completion bash)"';
  yield '_carillon() {';
  yield '  local current=${COMP_WORDS[COMP_CWORD]} words=';
  yield `  if [ "$COMP_CWORD" -eq 1 ]; then words='${names.join(' ')}'; else`;
  yield '    case ${COMP_WORDS[1]} in';
  for (const name of Object.keys(CLI)) yield `      ${name}) words='${optionsOf(name).join(' ')}' ;;`;
  yield '    esac';
  yield '  fi';
  yield '  COMPREPLY=($(compgen -W "$words" -- "$current"))';
  yield '}';
  // A value that is no option: the names of files.
  yield 'complete -o default -F _carillon carillon';
}

function* zsh(): Generator<string> {
  yield '#compdef carillon';
  yield '_carillon() {';
  yield `  if (( CURRENT == 2 )); then compadd -- ${Object.keys(summaries()).join(' ')}; return; fi`;
  yield '  case $words[2] in';
  for (const name of Object.keys(CLI))
    yield `    ${name}) if [[ $PREFIX == -* ]]; then compadd -- ${optionsOf(name).join(' ')}; else _files; fi ;;`;
  yield '  esac';
  yield '}';
  yield 'if [ "$funcstack[1]" = _carillon ]; then _carillon; else compdef _carillon carillon; fi';
}

function* fish(): Generator<string> {
  for (const [name, summary] of Object.entries(summaries()))
    yield `complete -c carillon -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`;
  for (const [name, { options, words }] of Object.entries(CLI)) {
    const command = `complete -c carillon -n '__fish_seen_subcommand_from ${name}'`;
    if (!words.some(isFile)) yield `${command} -f`;
    for (const [option, { type, value, text }] of Object.entries({ ...options, ...COMMON })) {
      const needs = type === 'boolean' ? '' : isFile(value!) ? ' -rF' : ' -x';
      yield `${command} -l ${option}${needs} -d ${quoted(text)}`;
    }
  }
}

function isFile(word: string): boolean {
  return word.includes('FILE');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
