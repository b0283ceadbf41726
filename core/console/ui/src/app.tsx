import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Navigate, Route, Routes, useParams } from "react-router";
import { OwnAccount } from "./account/OwnAccount";
import { SetUp } from "./account/SetUp";
import { SignIn } from "./account/SignIn";
import { ApiError, type Channel, get, type List, type Me } from "./api";
import { Failed, Loading } from "./parts";
import { account } from "./place";
import { allows, screens } from "./screens";
import { Shell } from "./shell";
import { NoRight } from "./shell/NoRight";

const Ops = lazy(async () => ({ default: (await import("./ops/Ops")).Ops }));

// App finds out who is signed in and where she belongs.
export function App() {
  const me = useQuery({ queryKey: ["me"], queryFn: () => get<Me>("/me") });
  if (me.isPending) return <Loading />;
  const out = me.error instanceof ApiError && me.error.status === 401;
  if (me.error && !out) return <Failed error={me.error} again={() => me.refetch()} what="account.load" />;
  if (out || !me.data)
    return (
      <Routes>
        <Route path="/sign-in" element={<SignIn />} />
        <Route path="*" element={<Navigate to="/sign-in" replace />} />
      </Routes>
    );
  const merchant = me.data.merchants[0];
  const ops = me.data.operator && (
    <Route
      path="/ops/*"
      element={
        <Suspense fallback={<Loading />}>
          <Ops me={me.data} />
        </Suspense>
      }
    />
  );
  if (!merchant && ops)
    return (
      <Routes>
        {ops}
        <Route path="*" element={<Navigate to="/ops" replace />} />
      </Routes>
    );
  if (!merchant) return <Failed error={new Error()} what="account.noShop" />;
  return (
    <Routes>
      {ops}
      <Route path="/setup" element={<SetUp merchant={merchant} />} />
      <Route path="/me" element={<OwnAccount me={me.data} />} />
      <Route
        path="/:merchant/*"
        element={merchant.set_up ? <Merchant me={me.data} /> : <Navigate to="/setup" replace />}
      />
      <Route path="*" element={<Navigate to={merchant.set_up ? `/${merchant.slug}` : "/setup"} replace />} />
    </Routes>
  );
}

// Merchant shows one shop's screens, with the LINE account of the address.
function Merchant({ me }: { me: Me }) {
  const { merchant: slug } = useParams();
  const merchant = me.merchants.find((m) => m.slug === slug);
  const channels = useQuery({
    queryKey: ["connection", "channels", merchant?.id],
    queryFn: () => get<List<Channel>>(`/merchants/${merchant?.id}/channels`),
    enabled: !!merchant,
  });
  if (!merchant) return <Navigate to="/" replace />;
  if (channels.isPending) return <Loading />;
  if (channels.error)
    return <Failed error={channels.error} again={() => channels.refetch()} what="account.load" />;
  const first = channels.data.items[0];
  const home = first ? `/${merchant.slug}/oa/${account(first)}` : `/${merchant.slug}/start`;
  return (
    <Routes>
      <Route element={<Shell me={me} merchant={merchant} channels={channels.data.items} />}>
        {screens.map((s) => (
          <Route
            key={`${s.of} ${s.path}`}
            path={s.of === "shop" ? s.path : `oa/:account/${s.path}`}
            element={allows(merchant.role, s.role) ? <s.Component /> : <NoRight />}
          />
        ))}
      </Route>
      <Route path="*" element={<Navigate to={home} replace />} />
    </Routes>
  );
}
