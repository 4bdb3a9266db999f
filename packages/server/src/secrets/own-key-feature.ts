/** Name of the key that a deployment without keys from outside has made for itself; it protects the others' values. */
export const OWN_KEY_FEATURE = 'sealed_values'
