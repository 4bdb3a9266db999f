/** Gives the viewer a file to keep. */
export function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The download has begun by then; before that the address has to stay.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
