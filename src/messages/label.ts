/** Characters of a message's label. */
export const MAX_LABEL = 100;
