/** Does the work of a command; `say` writes a line to the output. Returns the exit code. */
export type Command = (say: (line: string) => void, args: readonly string[]) => Promise<number>;
