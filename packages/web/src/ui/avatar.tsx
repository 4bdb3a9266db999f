/** Initials on a quiet ground, or the picture when it comes from our own origin or `https`. */
export function Avatar({
  name,
  url,
  className = 'size-6',
}: {
  readonly name: string
  readonly url?: string | undefined
  readonly className?: string
}) {
  const own = url !== undefined && (url.startsWith('/') || url.startsWith('data:image/'))
  return (
    <span
      aria-hidden="true"
      className={`${className} inline-flex shrink-0 items-center justify-center overflow-hidden rounded-full border border-line bg-hover text-[10px] font-semibold uppercase text-ink-2`}
    >
      {own ? <img src={url} alt="" className="size-full object-cover" /> : name.slice(0, 2)}
    </span>
  )
}
