/** Names that are given for other names in one place. */
export const MAX_NAMES = 256
