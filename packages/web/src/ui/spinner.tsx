/** A thin ring for work in progress; stands still where motion is unwelcome. Decorative: say the state in words. */
export function Spinner({ className = 'size-3.5' }: { readonly className?: string }) {
  return (
    <svg viewBox="0 0 16 16" className={`${className} shrink-0 animate-spin-slow`} aria-hidden="true">
      <title>In progress</title>
      <circle
        cx="8"
        cy="8"
        r="6.25"
        fill="none"
        stroke="currentColor"
        strokeOpacity=".25"
        strokeWidth="1.75"
      />
      <path
        d="M8 1.75A6.25 6.25 0 0 1 14.25 8"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.75"
        strokeLinecap="round"
      />
    </svg>
  )
}
