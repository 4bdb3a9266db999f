/** How to have notifications again that were refused: no page can ask a second time. */
export function BlockedWords() {
  return (
    <>
      Open the settings of this site, by the icon to the left of its address or in the settings of the
      browser, and allow notifications. Then come back to this page.
    </>
  )
}
