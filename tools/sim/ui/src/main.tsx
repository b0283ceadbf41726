import { createRoot } from "react-dom/client";
import { KlaviyoPage } from "./Klaviyo";
import { PhonePage } from "./Phone";
import "./sim.css";

const root = document.getElementById("root");
const klaviyo = location.pathname.startsWith("/klaviyo");

if (root)
  createRoot(root).render(
    <>
      <header className="ribbon">
        <strong>SIMULATOR</strong>
        <nav aria-label="Pages">
          <a href="/phone" aria-current={klaviyo ? undefined : "page"}>Phones</a>
          <a href="/klaviyo" aria-current={klaviyo ? "page" : undefined}>Klaviyo</a>
        </nav>
      </header>
      <main>{klaviyo ? <KlaviyoPage /> : <PhonePage />}</main>
    </>,
  );
