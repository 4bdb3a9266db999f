/** What is shown of a secret: its beginning and its end, the more the longer it is (AG-83). */
export function maskSecret(secret: string): string {
  const shown = secret.length >= 20 ? 4 : secret.length >= 10 ? 2 : secret.length >= 5 ? 1 : 0
  return shown === 0 ? '...' : `${secret.slice(0, shown)}...${secret.slice(-shown)}`
}
