/** What some providers take as a picture inside of a message (CH-444). */
const MOST_INLINE = 5 * 1024 * 1024
/** Longest side that is tried, in pixels; models see no more of it. */
const SIDES = [4096, 3072, 2048, 1568]
const QUALITY = 0.88

/** Whether a picture can be made smaller. */
export function isShrinkable(file: File): boolean {
  return /^image\/(png|jpeg|webp)$/.test(file.type)
}

/** A picture that all providers take; the file as it is when it is small enough or the browser cannot (UI-1118). */
export async function shrunkImage(file: File): Promise<File> {
  if (!isShrinkable(file) || file.size <= MOST_INLINE || !('OffscreenCanvas' in globalThis)) return file
  const picture = await createImageBitmap(file)
  try {
    for (const side of SIDES) {
      const scale = Math.min(1, side / Math.max(picture.width, picture.height))
      const canvas = new OffscreenCanvas(
        Math.round(picture.width * scale),
        Math.round(picture.height * scale),
      )
      canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
      const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY })
      if (blob.size <= MOST_INLINE)
        return new File([blob], file.name.replace(/\.\w+$/, '.jpg'), { type: 'image/jpeg' })
    }
    return file
  } finally {
    picture.close()
  }
}
