export default function Page() {
  return (
    <main>
      <h1>A page</h1>
    </main>
  );
}
