/** Puts text on the clipboard; false where the browser forbids it (plain HTTP, denied permission). */
export async function copyText(text: string): Promise<boolean> {
  if (!('clipboard' in navigator)) return false
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
