import { useEffect, useRef } from "react";

type Props = {
  html: string;
  base: string;
  title: string;
  onLink: (address: string) => void;
  // onSubmit hears which of the page's forms was sent, by which button, with what in it.
  onSubmit?: (form: number, button: string, values: Record<string, string>) => void;
};

// Doc shows a page that came from elsewhere. Nothing in it runs; its links and forms are
// worked by the simulated browser, which holds the cookies.
export function Doc({ html, base, title, onLink, onSubmit }: Props) {
  const frame = useRef<HTMLIFrameElement>(null);
  useEffect(() => {
    const element = frame.current;
    const attach = () => {
      const page = element?.contentDocument;
      page?.addEventListener("click", (e) => {
        const link = (e.target as Element).closest("a");
        if (link?.href) {
          e.preventDefault();
          onLink(link.href);
        }
      });
      page?.addEventListener("submit", (e) => {
        e.preventDefault();
        const form = e.target as HTMLFormElement;
        const button = e.submitter as HTMLButtonElement | null;
        const values = Object.fromEntries([...new FormData(form)].map(([k, v]) => [k, String(v)]));
        onSubmit?.([...page.forms].indexOf(form), button?.value ?? "", values);
      });
    };
    element?.addEventListener("load", attach);
    attach();
    return () => element?.removeEventListener("load", attach);
  }, [onLink, onSubmit]);
  const safe = base.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return <iframe ref={frame} className="doc" title={title} sandbox="allow-same-origin allow-forms" srcDoc={`<base href="${safe}">${html}`} />;
}
