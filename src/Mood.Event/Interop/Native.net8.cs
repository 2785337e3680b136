using System.Runtime.CompilerServices;

// Every signature is blittable: with this the runtime generates no stub for any of them.
[assembly: DisableRuntimeMarshalling]
