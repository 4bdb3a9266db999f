/** A username made from an e-mail's local part: lower case, everything else than letters and digits to `-` (UI-602). */
export function usernameFromEmail(email: string): string {
  const local = email.split('@')[0] ?? ''
  const name = local
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 32)
    .replace(/^-+|-+$/g, '')
  return name === '' ? 'admin' : name
}
